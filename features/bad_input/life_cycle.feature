Feature: Nobody takes a step of an order's life that is not theirs to take

  @api
  Scenario: A seller cannot approve an order that nobody has confirmed
    Given Boris the seller works in the CRM
    And Meridian the partner has an order in the state "Price ready"
    When Boris the seller tries to approve the order for manufacturing
    Then Boris the seller is told "it is "Price ready""
    And the order is found once in every system, in the same state, at the same price, with a legal history

  @ui
  Scenario: An operator reaches for an order that a colleague has just taken
    Given Vera the operator works in the MES
    And Oleg the operator works in the MES
    And Meridian the partner has an order in the state "Approved for manufacturing"
    When Oleg the operator finds the order free in a list that shows no news any more
    And Vera the operator takes the order
    And Oleg the operator tries to take the order, too
    Then Oleg the operator is told "taken by Vera"
    And the order is found once in every system, in the same state, at the same price, with a legal history

  @api
  Scenario: Two operators take one order at the same moment
    Given Vera the operator works in the MES
    And Oleg the operator works in the MES
    And Meridian the partner has an order in the state "Approved for manufacturing"
    When Vera the operator and Oleg the operator try to take the order at the same moment
    Then one of Vera and Oleg has the order, and the other one is told who has it
    And the order is found once in every system, in the same state, at the same price, with a legal history
