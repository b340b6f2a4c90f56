@journey @ui @api
Feature: A partner's order goes from the API to the closed order
  Meridian sells our pieces under its own name. It sends the model and the metal in one request,
  confirms the price that it is told, and follows the order until it is closed.

  Background:
    Given Meridian the partner has an API key
    And Boris the seller works in the CRM
    And Vera the operator works in the MES

  Scenario Outline: From the partner's request to the closed order
    When Meridian the partner orders a piece from <model> in <metal>
    Then Meridian the partner sees the order as "Price ready"
    And Meridian the partner sees the price <price>
    And the model's volume is <volume>
    When Meridian the partner confirms the order
    And Boris the seller approves the order for manufacturing
    And Vera the operator takes the order
    And Vera the operator completes the piece
    And Vera the operator packs the order
    And Vera the operator ships the order
    Then Meridian the partner sees the order as "Shipped"
    When Boris the seller closes the order
    Then Meridian the partner sees the order as "Closed"
    And all systems agree on the order

    Examples: A model that the suite makes
      | model              | metal    | volume      | price    |
      | the generated ring | gold 585 | 319.880 mm³ | € 362.30 |

    @real_models
    Examples: Models that other people made
      | model               | metal        | volume       | price      |
      | band_with_prong.stl | silver 925   | 177.936 mm³  | € 77.93    |
      | heavy_ring.stl      | platinum 950 | 1182.301 mm³ | € 1,174.12 |
