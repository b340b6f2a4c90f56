@ui
Feature: The operators see the whole work, as it is now
  The list of work shows everything that is not finished for good, the newest on top. It keeps
  itself up to date on every screen of the workshop, and nobody has to touch it.

  Background:
    Given Vera the operator works in the MES

  Scenario: A new order appears on top by itself
    Given Meridian the partner has an API key
    When Vera the operator opens the list of work
    And Meridian the partner orders a piece from the generated ring in gold 585
    Then Vera the operator sees the order on top of the open list
    And Vera the operator sees the order as "Price ready" in the open list

  Scenario: A piece is recognised in the list by its picture
    Given Meridian the partner has an order in the state "Approved for manufacturing"
    When Vera the operator opens the list of work
    Then Vera the operator sees a picture of the piece in the open list

  Scenario: What one operator takes changes in the other's open list
    Given Meridian the partner has an order in the state "Approved for manufacturing"
    And Oleg the operator works in the MES
    When Oleg the operator opens the list of work
    And Vera the operator takes the order
    Then Oleg the operator sees the order as "In manufacturing" in the open list

  Scenario: A piece is taken, made, packed and shipped without leaving the list
    Given Meridian the partner has an order in the state "Approved for manufacturing"
    When Vera the operator opens the list of work
    And Vera the operator takes the order all the way to shipping with the keyboard, tracking number "CC 473 124 829 DE"
    Then all systems agree on the order
    And Vera the operator sees the order as "Shipped" in the open list
    And Meridian the partner sees the order as "Shipped"

  Scenario: A key that can do nothing says why
    Given Meridian the partner has an order in the state "Price ready"
    When Vera the operator opens the list of work
    And Vera the operator presses "T" on the order in the list
    Then Vera the operator is told that the key does nothing in the state "Price ready"
    And Vera the operator sees the order as "Price ready" in the open list

  Scenario: The keyboard ships nothing without an address
    Given Boris the seller works in the CRM
    And Meridian the partner has an order in the state "Confirmed"
    And the order was confirmed before anybody was asked for an address
    When Boris the seller approves the order for manufacturing
    And Vera the operator takes the order
    And Vera the operator completes the piece
    And Vera the operator packs the order
    And Vera the operator tries to ship the order with the keyboard, tracking number "CC 473 124 829 DE"
    Then Vera the operator is told that the order has no address
    And Vera the operator sees the order as "Being packed" in the open list

  Scenario: A parcel needs a tracking number
    Given Meridian the partner has an order in the state "Approved for manufacturing"
    When Vera the operator takes the order
    And Vera the operator completes the piece
    And Vera the operator packs the order
    And Vera the operator tries to ship the order with the tracking number "?"
    Then Vera the operator is told "Tracking number needed"

  Scenario: The list outlives the cache that makes it fast
    Given Meridian the partner has an order in the state "Approved for manufacturing"
    When Vera the operator opens the list of work
    And meanwhile the cache loses everything, and nothing rebuilds the list
    Then Vera the operator is told that the list comes from the database
    When Meridian the partner orders a piece from the generated ring in silver 925
    Then Vera the operator sees the order on top of the open list
    When Vera the operator opens the list of work
    Then Vera the operator is told that the list comes from the database
    And Vera the operator sees 2 pieces in the open list
    When meanwhile the list can be rebuilt
    Then Vera the operator is no longer told that the list comes from the database
    And Vera the operator sees 2 pieces in the open list
