@ui @api
Feature: A ring is made as it was drawn in the constructor
  Size, measures, stone and engraving stay with the order. Whoever sells it and whoever makes it
  read them; nobody has to guess them from the model.

  Background:
    Given Anna the customer has an account in the shop

  Scenario: The engraving reaches the workshop
    Given Boris the seller works in the CRM
    And Vera the operator works in the MES
    When Anna the customer draws a satin ring of size 57 in gold 585 with the engraving "Anna & Boris"
    And Anna the customer orders the ring from the constructor
    And Anna the customer asks what the piece costs
    Then Anna the customer sees the engraving "Anna & Boris" on the order
    When Anna the customer confirms the order
    Then Boris the seller sees the engraving "Anna & Boris" on the order
    When Boris the seller approves the order for manufacturing
    And Vera the operator takes the order
    Then Vera the operator sees the engraving "Anna & Boris" on the order
    And all systems agree on the order

  Scenario: What was chosen in the constructor is not asked again, and the way leads back there
    When Anna the customer draws a sandblasted ring of size 60 in platinum 950 with the engraving "14.02.2026"
    And Anna the customer orders the ring from the constructor
    Then Anna the customer is asked for neither metal nor finish again
    When Anna the customer asks what the piece costs
    Then Anna the customer sees that "Finish" costs € 24.00
    And all systems agree on the order
    When Anna the customer goes back from the order to the constructor
    Then Anna the customer sees the ring there as it was ordered
