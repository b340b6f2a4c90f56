@journey @ui
Feature: A customer's own model becomes a piece of jewellery
  Anna brings her own 3D model, learns what the piece costs in the metal of her choice, and
  follows her order until it is closed. The seller and the operator do their part, each in
  their own pages.

  Background:
    Given Boris the seller works in the CRM
    And Vera the operator works in the MES

  Scenario Outline: From the customer's model to the closed order
    When Anna the customer registers in the shop
    And Anna the customer confirms the address with the code from the letter
    And Anna the customer signs in the next day
    And Anna the customer orders a piece from <model> in <metal>
    Then Anna the customer watches the order become "Price ready"
    And Anna the customer sees the price <price>
    And the model's volume is <volume>
    When Anna the customer confirms the order
    And Boris the seller approves the order for manufacturing
    And Vera the operator takes the order
    Then Anna the customer sees the order as "In manufacturing"
    When Vera the operator completes the piece
    And Vera the operator packs the order
    And Vera the operator ships the order
    Then Anna the customer sees the order as "Shipped"
    When Boris the seller closes the order
    Then Anna the customer sees the order as "Closed"
    And all systems agree on the order

    Examples: A model that the suite makes
      | model              | metal    | volume      | price    |
      | the generated ring | gold 585 | 319.880 mm³ | € 362.30 |

    @real_models
    Examples: Models that other people made
      | model               | metal        | volume       | price      |
      | band_with_prong.stl | silver 925   | 177.936 mm³  | € 77.93    |
      | heavy_ring.stl      | platinum 950 | 1182.301 mm³ | € 1,174.12 |
