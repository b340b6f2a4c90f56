@api
Feature: A partner's order that was sent back is no dead end
  A seller who does not approve an order says why. Meridian's program reads it, sends another model and
  another address in the same order, and nobody has to write a letter about it.

  Background:
    Given Meridian the partner has an API key
    And Meridian the partner has a webhook
    And Boris the seller works in the CRM
    And Vera the operator works in the MES

  Scenario: The partner reads why, sends another model and another address, and confirms the new price
    When Meridian the partner orders a piece from the finely meshed ring in silver 925
    Then Meridian the partner sees the order as "Price ready"
    When Meridian the partner confirms the order
    And Boris the seller sends the order back, because "The band is thinner than 1 mm."
    Then Meridian the partner reads "The band is thinner than 1 mm."
    When Meridian the partner replaces the model with the generated ring in gold 585
    Then Meridian the partner sees the order as "Price ready"
    And Meridian the partner sees the price € 362.30
    When Meridian the partner confirms the order, to be sent to Moscow
    And Boris the seller approves the order for manufacturing
    Then Vera the operator reads the address in Moscow on the order
    When Meridian the partner has the order sent to Leipzig instead
    Then Vera the operator reads the address in Leipzig on the order
    And all systems agree on the order
    When Vera the operator takes the order
    Then Meridian the partner sees the order as "In manufacturing"
    When Meridian the partner tries to have the order sent to Moscow instead
    Then Meridian the partner is told "The workshop has begun to make the piece"
    And all systems agree on the order
    And Meridian the partner is told of each step of the order by webhook, once, in order and signed

  Scenario: A model that cannot be cast is replaced in the same order
    When Meridian the partner orders a piece from the ring with an open surface in gold 585
    Then Meridian the partner sees the order as "No price possible"
    When Meridian the partner replaces the model with the generated ring in gold 585
    Then Meridian the partner sees the order as "Price ready"
    And Meridian the partner sees the price € 362.30
    And all systems agree on the order
