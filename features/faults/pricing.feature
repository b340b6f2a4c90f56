@ui @processes
Feature: One partner's thousand models do not delay a customer's one
  A partner may send as many models as it likes, all at once. A customer who sends one is served in
  turn with that partner, and not after it.

  Scenario: A customer orders while sixty pieces of a partner wait
    Given Anna the customer has an account in the shop
    And Meridian the partner has an API key
    And the pricing service is down
    And Meridian the partner has ordered 60 pieces from the finely meshed ring in silver 925
    When Anna the customer orders a piece from the generated ring in gold 585
    And the pricing service comes back
    Then Anna the customer watches the order become "Price ready"
    And Anna the customer sees the price € 362.30
    And fewer than 30 of Meridian's pieces were priced before the order
    And Meridian the partner sees all its orders as "Price ready"
    And the order is found once in every system, in the same state, at the same price, with a legal history
