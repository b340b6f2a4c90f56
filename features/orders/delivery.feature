@ui @api
Feature: A piece is sent where the customer wants it
  The address is given with the confirmation and can be changed until the workshop begins. Without
  one nothing leaves the house.

  Background:
    Given Boris the seller works in the CRM
    And Vera the operator works in the MES

  Scenario: The address reaches the workshop and the letters
    Given Anna the customer has an account in the shop
    And Anna the customer has an order in the state "Price ready"
    When Anna the customer confirms the order, to be sent to Leipzig
    And Boris the seller approves the order for manufacturing
    Then Vera the operator reads the address in Leipzig on the order
    And Anna the customer gets a letter about the order that says "Am Markt 1, 04109 Leipzig, Germany"
    When Anna the customer has the order sent to Moscow instead
    Then Vera the operator reads the address in Moscow on the order
    When Vera the operator takes the order
    And Vera the operator completes the piece
    And Vera the operator packs the order
    And Vera the operator ships the order
    Then Anna the customer gets a letter about the order that says "Москва, 119034, Russia"
    And all systems agree on the order

  Scenario: An order without an address waits in the workshop until a seller gives one
    Given Meridian the partner has an API key
    And Meridian the partner has an order in the state "Confirmed"
    And the order was confirmed before anybody was asked for an address
    When Boris the seller approves the order for manufacturing
    And Vera the operator takes the order
    And Vera the operator completes the piece
    And Vera the operator packs the order
    And Vera the operator tries to ship the order with the tracking number "CC 473 124 829 DE"
    Then Vera the operator is told that the order has no address
    When Boris the seller gives an address in Leipzig
    Then Vera the operator reads the address in Leipzig on the order
    When Vera the operator ships the order
    Then all systems agree on the order

  Scenario: A partner says where the piece goes
    Given Meridian the partner has an API key
    And Meridian the partner has an order in the state "Price ready"
    When Meridian the partner tries to confirm the order without an address
    Then Meridian the partner is told that the address is missing
    And Meridian the partner sees the order as "Price ready"
    When Meridian the partner confirms the order
    Then all systems agree on the order
