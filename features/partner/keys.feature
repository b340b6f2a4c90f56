@api
Feature: A partner changes its API key by itself
  Keys get around. Meridian's program makes another, uses it, and revokes the old one, without a
  moment in which none works.

  Scenario: A partner takes a new key and revokes the old one
    Given Meridian the partner has an API key
    When Meridian the partner takes a new API key
    And Meridian the partner orders a piece from the generated ring in gold 585
    And Meridian the partner revokes its old API key
    Then Meridian the partner sees the order as "Price ready"
    When Meridian the partner tries its old API key on a piece from the generated ring in silver 925
    Then Meridian the partner is told "has been revoked"

  Scenario: A partner does not lock itself out
    Given Meridian the partner has an API key
    When Meridian the partner tries to revoke the API key that it uses
    Then Meridian the partner is told "Make another key"
    When Meridian the partner orders a piece from the generated ring in gold 585
    Then Meridian the partner sees the order as "Price ready"
