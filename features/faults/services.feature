@api @processes
Feature: An order outlives the services that carry it
  A service may die at any moment. What was promised to a partner is kept all the same, as soon as
  the service is back.

  Scenario: The price comes late when nobody could calculate it
    Given Meridian the partner has an API key
    And the pricing service is down
    When Meridian the partner orders a piece from the generated ring in gold 585
    Then Meridian the partner sees the order as "Price being calculated"
    When meanwhile the pricing service comes back
    Then Meridian the partner sees the order as "Price ready"
    And all systems agree on the order

  Scenario: The workshop's list catches up after the MES was down
    Given Meridian the partner has an API key
    And the mes service is down
    When Meridian the partner orders a piece from the generated ring in silver 925
    Then Meridian the partner sees the order as "Price ready"
    When meanwhile the mes service comes back
    Then all systems agree on the order
