@processes
Feature: Sellers do not notice what becomes of the replica
  The CRM reads from a copy of the shop's database, which may be late.

  @ui @api
  Scenario: A seller sees their own approval at once while the replica stands still
    Given Boris the seller works in the CRM
    And Sofia the seller works in the CRM
    And Meridian the partner has an order in the state "Confirmed"
    And the replica of the shop's database stands still
    When Boris the seller approves the order for manufacturing
    Then Boris the seller sees the order as "Approved for manufacturing" at once
    And a colleague, Sofia the seller, still sees the order as "Confirmed"
    When the replica goes on
    Then the order is found once in every system, in the same state, at the same price, with a legal history
