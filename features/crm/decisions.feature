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

  Scenario: Colleagues read who has approved an order
    Given Boris the seller works in the CRM
    And Sofia the seller works in the CRM
    And Meridian the partner has an order in the state "Confirmed"
    When Boris the seller approves the order for manufacturing
    Then Sofia the seller reads that Boris took the last step
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
