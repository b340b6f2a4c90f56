@ui
Feature: A customer knows what the piece costs, and why
  The price is shown in its parts, and what happens to the order is told by e-mail.

  Scenario: The price is broken down by metal, making and finish
    Given Anna the customer has an account in the shop
    When Anna the customer orders a hammered piece from the generated ring in gold 585
    Then Anna the customer watches the order become "Price ready"
    And Anna the customer sees the price € 380.30
    And Anna the customer sees that "Metal" costs € 270.65
    And Anna the customer sees that "Making" costs € 73.65
    And Anna the customer sees that "Finish" costs € 36.00
    And Anna the customer sees that "Total" costs € 380.30
    And Anna the customer gets a letter about the order that says "Finish (Hammered): € 36.00 Total: € 380.30"
    And all systems agree on the order

  Scenario: A model that cannot be cast is explained in words
    Given Anna the customer has an account in the shop
    When Anna the customer orders a piece from the ring with an open surface in silver 925
    Then Anna the customer watches the order become "No price possible"
    And Anna the customer reads "The surface of the model has holes"
    And Anna the customer reads "Metal fills what is enclosed"
    And Anna the customer gets a letter about the order that says "we could not price your model"
