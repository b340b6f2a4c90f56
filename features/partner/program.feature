@api
Feature: A partner's program needs nobody to ask
  Meridian's program lists what was ordered, cancels, and asks what a piece would cost. It is told
  how much it may ask for, and when to come back.

  Scenario: A partner lists its orders page by page
    Given Meridian the partner has placed 5 orders
    When Meridian the partner lists its orders, 2 to a page
    Then Meridian the partner has seen each order once, the newest first, on 3 pages

  Scenario: A partner cancels an order before it is approved
    Given Meridian the partner has an order in the state "Confirmed"
    When Meridian the partner cancels the order
    Then Meridian the partner sees the order as "Cancelled"
    And all systems agree on the order

  Scenario: A partner asks for an estimate
    Given Meridian the partner has an API key
    When Meridian the partner asks what a piece from the generated ring in gold 585 would cost
    Then Meridian the partner is told that it would cost € 362.30
    And no order has been made

  Scenario: A program that asks too often is told when to come back
    Given Meridian the partner has an API key
    And Meridian the partner may send 3 requests in 6 seconds
    When Meridian the partner sends 10 requests one after the other
    Then Meridian the partner is told when to come back
    And Meridian the partner can go on after a while
    When Meridian the partner orders a piece from the generated ring in gold 585
    Then Meridian the partner sees the order as "Price ready"
    When Meridian the partner confirms the order
    Then all systems agree on the order

  Scenario: A revoked key is refused at once
    Given Meridian the partner has an API key
    And the API key of Meridian the partner has been revoked
    When Meridian the partner tries to order a piece from the generated ring in gold 585
    Then Meridian the partner is told "has been revoked"
    And no order has been made
