@api
Feature: A new partner's programmer orders from the first page that they read
  The reference has examples for a terminal. Whoever puts in the key and pastes them has ordered a
  piece, sent another model and another address for it, cancelled it, and knows how a program does it.

  Scenario: The examples work as they stand
    Given Meridian the partner has an API key
    When Meridian the partner pastes the examples of the reference into a terminal
    Then Meridian the partner sees the order as "Cancelled"
    And all systems agree on the order
