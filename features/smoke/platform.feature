@smoke
Feature: A platform that has just been deployed works
  What is looked at after each deployment, from outside and with nothing but HTTP. What stays behind
  is marked as test data. Production may be used for all of it but for the partner's order, since a
  partner's orders are on that partner's account.

  @safe
  Scenario Outline: A service is ready
    Then the <service> service says that it is ready

    Examples:
      | service |
      | shop    |
      | partner |
      | crm     |
      | mes     |
      | pricing |

  @api
  Scenario: A partner's request is accepted and gets its price
    Given Meridian the partner has an API key
    When Meridian the partner orders a piece from the generated ring in gold 585
    Then Meridian the partner sees the order as "Price ready"
    And Meridian the partner sees the price € 362.30
    And the order is found once in every system, in the same state, at the same price, with a legal history

  @api @safe
  Scenario: A wrong API key is refused
    Given Meridian the partner has an API key that was never given out
    When Meridian the partner tries to order a piece from the generated ring in gold 585
    Then Meridian the partner is told "API key"

  @ui @api @safe
  Scenario: The seller and the operator can begin to work
    Given Boris the seller works in the CRM
    And Vera the operator works in the MES
    Then Boris the seller finds the CRM open
    And Vera the operator finds the MES open
