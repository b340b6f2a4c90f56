@ui
Feature: Letters go only to an address that its owner has confirmed
  Somebody may register with an address that is not theirs. So the shop first asks the address
  itself, and what it has to tell about orders waits.

  Scenario: Letters wait until the address is confirmed
    When Anna the customer registers in the shop
    And Anna the customer orders a piece from the generated ring in gold 585
    Then Anna the customer watches the order become "Price ready"
    And Anna the customer has got no letter except the one that asks to confirm the address
    When Anna the customer confirms the address with the code from the letter
    Then Anna the customer gets a letter about the order that says "€ 362.30"
