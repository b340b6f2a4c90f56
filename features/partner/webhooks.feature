@api
Feature: A partner is told of each step of its orders
  Meridian shows its own customers how far their piece is, and does not want to ask us all the time.

  Background:
    Given Meridian the partner has an API key
    And Meridian the partner has a webhook

  Scenario: Once, signed and in order
    Given Boris the seller works in the CRM
    When Meridian the partner orders a piece from the generated ring in gold 585
    Then Meridian the partner sees the order as "Price ready"
    When Meridian the partner confirms the order
    And Boris the seller approves the order for manufacturing
    Then Meridian the partner is told of each step of the order by webhook, once, in order and signed

  Scenario: Also when the partner's server was down for a while
    Given the server of Meridian the partner is down
    When Meridian the partner orders a piece from the generated ring in gold 585
    Then Meridian the partner sees the order as "Price ready"
    And Meridian the partner has been told nothing by webhook yet
    When meanwhile the server of Meridian the partner comes back
    Then Meridian the partner is told of each step of the order by webhook, once, in order and signed
