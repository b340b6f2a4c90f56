@ui @api
Feature: A seller finds what people ask about
  Somebody calls, and says a number, a name, an address, or what is written on their own papers.

  Background:
    Given Boris the seller works in the CRM
    And Goldfinch the partner has an order in the state "Price ready"
    And Meridian the partner has an order in the state "Approved for manufacturing"

  Scenario: By the number
    When Boris the seller searches for the order by its number
    Then Boris the seller finds the order, and no other one

  Scenario: By the partner's name
    When Boris the seller searches for "meridian"
    Then Boris the seller finds the order, and no other one

  Scenario: By the state
    When Boris the seller searches for orders in the state "Approved for manufacturing"
    Then Boris the seller finds the order, and no other one

  Scenario: A choice in the list acts at once
    When Boris the seller chooses the state "Approved for manufacturing" in the list of orders
    Then Boris the seller finds the order, and no other one

  Scenario: By the missed date
    Given the order was promised for the day before yesterday
    When Boris the seller searches for overdue orders
    Then Boris the seller finds the order, and no other one
