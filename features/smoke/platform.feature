@smoke
Feature: A platform that has just been deployed works
  What is looked at after each deployment, from outside and with nothing but HTTP. What stays behind
  is marked as test data. Production may be used for all of it but for the partner's order, since a
  partner's orders are on that partner's account.

  @safe
  Scenario Outline: A service is ready
    Given Olga the engineer is on call
    When Olga the engineer asks the <service> service whether it is ready
    Then Olga the engineer is told that the <service> service is ready

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
    And all systems agree on the order

  @api @safe
  Scenario: A wrong API key is refused
    Given Meridian the partner has an API key that was never given out
    When Meridian the partner tries to order a piece from the generated ring in gold 585
    Then Meridian the partner is told "API key"

  @ui @api @safe
  Scenario: The seller and the operator can begin to work
    Given Boris the seller works in the CRM
    And Vera the operator works in the MES
    When Boris the seller opens the CRM
    Then Boris the seller sees the list of orders
    When Vera the operator opens the MES
    Then Vera the operator sees the list of work
