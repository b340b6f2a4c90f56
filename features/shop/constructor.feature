@ui
Feature: A customer without a model of her own orders a ring
  She takes one from the catalogue, or draws one in the constructor. The shop makes the model, and
  from there on the order is like any other.

  Background:
    Given Anna the customer has an account in the shop

  Scenario: A ring from the catalogue
    When Anna the customer orders the design "Linden" from the catalogue in silver 925
    Then Anna the customer reads "Linden-54.stl"
    When Anna the customer asks what the piece costs
    Then Anna the customer sees the price € 93.72
    And all systems agree on the order

  Scenario: A ring of her own with an engraving
    When Anna the customer draws a polished ring of size 57 in gold 585 with the engraving "Anna & Boris"
    Then Anna the customer has the price and the order button in sight, wherever on the page
    When Anna the customer orders the ring from the constructor
    Then Anna the customer reads "Ring-57.stl"
    When Anna the customer asks what the piece costs
    Then all systems agree on the order

  Scenario: A band that is too wide is refused, and no order begins
    When Anna the customer tries to order a ring with a band 20 mm wide
    Then Anna the customer is told "The band can be 1.5 to 12.0 mm wide"
    And no order has been made
