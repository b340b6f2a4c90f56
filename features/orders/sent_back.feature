Feature: An order that was sent back is no dead end
  A seller who does not approve an order says why. The customer changes the piece, gets a new price
  for it in the same order, and confirms.

  @ui @api
  Scenario: The customer reads why, replaces the model and confirms at the new price
    Given Anna the customer has an order in the state "Confirmed"
    And Boris the seller works in the CRM
    When Boris the seller sends the order back, because "The band is thinner than 1 mm."
    Then Boris the seller sees the order sent back, because "The band is thinner than 1 mm."
    When Boris the seller searches for orders that are sent back
    Then Boris the seller finds the order, and no other one
    And Anna the customer reads "The band is thinner than 1 mm."
    When Anna the customer replaces the model with the generated ring in gold 585
    Then Anna the customer watches the order become "Price ready"
    And Anna the customer sees the price € 362.30
    When Anna the customer confirms the order
    And Boris the seller approves the order for manufacturing
    Then Anna the customer watches the order become "Approved for manufacturing"
    And all systems agree on the order

  @ui
  Scenario: A model that cannot be cast is replaced in the same order
    Given Anna the customer has an account in the shop
    When Anna the customer orders a piece from the ring with an open surface in gold 585
    Then Anna the customer watches the order become "No price possible"
    When Anna the customer replaces the model with the generated ring in gold 585
    Then Anna the customer watches the order become "Price ready"
    And Anna the customer sees the price € 362.30
    And all systems agree on the order

  @ui
  Scenario: A ring that was sent back is changed in the constructor, and stays in the same order
    Given Anna the customer has an account in the shop
    And Boris the seller works in the CRM
    When Anna the customer draws a polished ring of size 57 in gold 585 with the engraving "Boris"
    And Anna the customer orders the ring from the constructor
    And Anna the customer asks what the piece costs
    And Anna the customer confirms the order
    And Boris the seller sends the order back, because "The engraving does not fit."
    And Anna the customer changes the engraving of the ordered ring to "B"
    And Anna the customer asks what the piece costs
    And Anna the customer confirms the order
    Then Boris the seller sees the engraving "B" on the order
    And all systems agree on the order
