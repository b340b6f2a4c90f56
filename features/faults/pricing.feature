@ui @processes
Feature: Nobody waits for a price without knowing why
  A partner may send as many models as it likes, all at once. A customer who sends one is served in
  turn with that partner, and not after it.

  Scenario: A customer orders while sixty pieces of a partner wait
    Given Anna the customer has an account in the shop
    And Meridian the partner has an API key
    And the pricing service is down
    And Meridian the partner has ordered 60 pieces from the finely meshed ring in silver 925
    When Anna the customer orders a piece from the generated ring in gold 585
    And meanwhile the pricing service comes back
    Then Anna the customer watches the order become "Price ready"
    And Anna the customer sees the price € 362.30
    And fewer than 30 of Meridian's pieces were priced before the order
    And Meridian the partner sees all its orders as "Price ready"
    And all systems agree on the order

  Scenario: A customer is told when the price takes longer than it should
    Given Anna the customer has an account in the shop
    And the pricing service is down
    When Anna the customer orders a piece from the generated ring in gold 585
    And meanwhile the order makes no progress for 20 minutes
    Then Anna the customer reads "Measuring your model takes longer than it should"
    When meanwhile the pricing service comes back
    Then Anna the customer watches the order become "Price ready"
    And all systems agree on the order
