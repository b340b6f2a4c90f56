@api
Feature: A partner's program can make mistakes without harm

  Scenario: A request that is sent twice makes one order
    Given Meridian the partner has an API key
    When Meridian the partner orders a piece from the generated ring in gold 585
    And Meridian the partner sends the same request again
    Then Meridian the partner sees the order as "Price ready"
    And all systems agree on the order

  Scenario: The idempotency key of one request does not fit another request
    Given Meridian the partner has an API key
    When Meridian the partner orders a piece from the generated ring in gold 585
    And Meridian the partner tries to reuse the idempotency key of that request for a piece in silver 925
    Then Meridian the partner is told "sent before with another order, model, metal, finish or reference"
    And Meridian the partner sees the order as "Price ready"
    And all systems agree on the order

  Scenario: A metal that we do not work in
    Given Meridian the partner has an API key
    When Meridian the partner tries to order a piece of unobtainium from the generated ring
    Then Meridian the partner is told "silver-925, gold-585, gold-750, platinum-950"
    And no order has been made

  Scenario: A program that shows no key
    Given Meridian the partner has no API key
    When Meridian the partner tries to order a piece from the generated ring in gold 585
    Then Meridian the partner is told "API key"
    And no order has been made

  Scenario: A program that shows a wrong key
    Given Meridian the partner has an API key that was never given out
    When Meridian the partner tries to order a piece from the generated ring in gold 585
    Then Meridian the partner is told "API key"
    And no order has been made
