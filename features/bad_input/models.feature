@ui
Feature: A model that cannot be cast is refused in words that the customer understands

  Background:
    Given Anna the customer has an account in the shop

  Scenario: A model with an open surface gets no price
    When Anna the customer orders a piece from the ring with an open surface in silver 925
    Then Anna the customer watches the order become "No price possible"
    And Anna the customer reads "The surface of the model is not closed"
    And all systems agree on the order

  Scenario Outline: A model that is too small or too thin to be cast gets no price
    When Anna the customer orders a piece from <model> in silver 925
    Then Anna the customer watches the order become "No price possible"
    And Anna the customer reads that the model is <fault>
    And all systems agree on the order

    Examples:
      | model              | fault                |
      | the cube of 0.2 mm | too small to be cast |
      | the foil           | too thin to be cast  |

  Scenario: A photograph in place of a model is refused at once, and nothing is begun
    When Anna the customer tries to begin an order with the photograph
    Then Anna the customer reads why, and can choose another file
    And no order has been made
