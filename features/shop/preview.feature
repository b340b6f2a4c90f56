@ui
Feature: A customer sees her piece while she decides
  It stands beside the price, whatever her browser can draw.

  Background:
    Given Anna the customer has an account in the shop

  Scenario: The piece stands beside its price
    When Anna the customer orders a piece from the generated ring in gold 585
    Then Anna the customer watches the order become "Price ready"
    And Anna the customer sees the piece beside the price
    When Anna the customer confirms the order
    Then Anna the customer sees the piece beside the price
    And all systems agree on the order

  Scenario: A browser without three dimensions shows a picture in its place
    Given Anna the customer has a browser that draws nothing in three dimensions
    When Anna the customer orders a piece from the generated ring in silver 925
    Then Anna the customer watches the order become "Price ready"
    And Anna the customer sees the piece beside the price
    And all systems agree on the order
