@api
Feature: A broken promise does not go unnoticed
  Every order is promised for a day when it is confirmed. When the day has passed and the piece is
  not shipped, everybody who listens is told, once.

  Scenario: An order becomes overdue
    Given Boris the seller works in the CRM
    And Meridian the partner has an order in the state "Approved for manufacturing"
    And the order was promised for the day before yesterday
    Then it is told once that the order is overdue
    And Boris the seller finds the order, and no other one, among the overdue ones
    And the order is found once in every system, in the same state, at the same price, with a legal history
