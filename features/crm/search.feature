@ui @api
Feature: A seller finds what people ask about
  Somebody calls, and says a number, a name, an address, or what is written on their own papers.

  Background:
    Given Boris the seller works in the CRM
    And Goldfinch the partner has an order in the state "Price ready"
    And Meridian the partner has an order in the state "Approved for manufacturing"

  Scenario: By the number
    Then Boris the seller finds the order, and no other one, by its number

  Scenario: By the partner's name
    Then Boris the seller finds the order, and no other one, by "meridian"

  Scenario: By the state
    Then Boris the seller finds the order, and no other one, by the state "Approved for manufacturing"

  Scenario: By the promise that was not kept
    Given the order was promised for the day before yesterday
    Then Boris the seller finds the order, and no other one, among the overdue ones
