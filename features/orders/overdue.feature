@api
Feature: A broken promise does not go unnoticed
  Every order is promised for a day when it is confirmed. When the day has passed and the piece is
  not shipped, everybody who listens is told, once.

  Scenario: An order becomes overdue
    Given Boris the seller works in the CRM
    And Meridian the partner has an order in the state "Approved for manufacturing"
    And the order was promised for the day before yesterday
    When Boris the seller searches for overdue orders
    Then Boris the seller finds the order, and no other one
    And the order is reported as overdue once
    And all systems agree on the order
