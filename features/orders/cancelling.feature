@ui
Feature: A customer cancels her order for as long as nothing has been made
  Before the approval it takes effect at once. Afterwards the workshop is asked, since it may have
  begun already.

  Background:
    Given Anna the customer has an account in the shop
    And Boris the seller works in the CRM
    And Vera the operator works in the MES
    And Anna the customer has an order in the state "Price ready"

  Scenario: Before the approval
    When Anna the customer confirms the order
    And Anna the customer cancels the order
    Then Anna the customer sees the order as "Cancelled"
    And Anna the customer gets a letter about the order that says "The order is cancelled"
    And all systems agree on the order

  Scenario: After the approval, when the workshop has not begun
    When Anna the customer confirms the order
    And Boris the seller approves the order for manufacturing
    And Anna the customer cancels the order
    Then Anna the customer watches the order become "Cancelled"
    And Anna the customer sees "Cancelled" in the history of the order
    And Anna the customer gets a letter about the order that says "The order is cancelled"
    And all systems agree on the order

  Scenario: Too late
    When Anna the customer confirms the order
    And Boris the seller approves the order for manufacturing
    And Vera the operator takes the order
    Then Anna the customer sees the order as "In manufacturing"
    When Anna the customer tries to cancel the order
    Then Anna the customer is told "can no longer be cancelled"
    And all systems agree on the order
