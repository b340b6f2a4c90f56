@ui @api
Feature: A seller decides about an order, and says why
  Whoever ordered reads the reason; colleagues read the notes.

  Scenario: An order is sent back and confirmed again
    Given Boris the seller works in the CRM
    And Meridian the partner has an order in the state "Confirmed"
    When Boris the seller sends the order back, because "The band is thinner than 1 mm."
    Then Boris the seller reads that the last step was taken because "The band is thinner than 1 mm."
    And Meridian the partner sees the order as "Price ready"
    And all systems agree on the order

  Scenario: Colleagues read by name who did each step, in the workshop, too
    Given Boris the seller works in the CRM
    And Sofia the seller works in the CRM
    And Vera the operator works in the MES
    And Oleg the operator works in the MES
    And Meridian the partner has an order in the state "Confirmed"
    When Boris the seller approves the order for manufacturing
    And Vera the operator takes the order
    And Vera the operator completes the piece
    And Oleg the operator packs the order
    And Vera the operator ships the order
    Then Sofia the seller reads in the history that Vera took the order to "Shipped"
    And Sofia the seller reads in the history that Oleg took the order to "Being packed"
    And Sofia the seller reads in the history that Vera took the order to "Manufactured"
    And Sofia the seller reads in the history that Vera took the order to "In manufacturing"
    And Sofia the seller reads in the history that Boris took the order to "Approved for manufacturing"
    And all systems agree on the order

  Scenario: An order is cancelled
    Given Boris the seller works in the CRM
    And Meridian the partner has an order in the state "Confirmed"
    When Boris the seller cancels the order, because "The partner has called."
    Then Boris the seller reads that the last step was taken because "The partner has called."
    And all systems agree on the order

  Scenario: A colleague reads what was noted
    Given Boris the seller works in the CRM
    And Sofia the seller works in the CRM
    And Meridian the partner has an order in the state "Confirmed"
    When Boris the seller notes "They will call back on Monday."
    Then Boris the seller reads the note "They will call back on Monday." by Boris
    And Sofia the seller reads the note "They will call back on Monday." by Boris
