@ui @api
Feature: Whoever works on a piece sees it
  Sellers and operators look at what was ordered before they approve it, or make it, and get the
  file for their own machines.

  Scenario: A seller and an operator see the piece and download its file
    Given Boris the seller works in the CRM
    And Vera the operator works in the MES
    And Meridian the partner has an order in the state "Approved for manufacturing"
    When Boris the seller downloads the file of the piece
    And Vera the operator downloads the file of the piece
    Then Boris the seller has the file that was ordered
    And Vera the operator has the file that was ordered
    And Boris the seller sees the piece
    And Vera the operator sees the piece
    And all systems agree on the order
