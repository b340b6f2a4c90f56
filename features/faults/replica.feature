@processes
Feature: Sellers do not notice what happens to the replica
  The CRM reads from a copy of the shop's database, which may be late.

  @ui @api
  Scenario: A seller sees their own approval at once while the replica lags
    Given Boris the seller works in the CRM
    And Sofia the seller works in the CRM
    And Meridian the partner has an order in the state "Confirmed"
    And the replica of the shop's database has stopped applying changes
    When Boris the seller approves the order for manufacturing
    Then Boris the seller sees the order as "Approved for manufacturing" at once
    And Sofia the seller still sees the order as "Confirmed"
    When meanwhile the replica catches up
    Then all systems agree on the order
