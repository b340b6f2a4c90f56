@api @processes
Feature: What could not be handled waits for somebody to look into it
  An event that fails again and again stops nobody else. It waits, with the reason, until an engineer
  has removed the cause; then it is given back, and the order goes on.

  Scenario: An order goes on after its dead-lettered event was replayed
    Given Olga the engineer is on call
    And pricing could not read the model of Meridian's order, and gave up
    And the models can be read again
    When Olga the engineer replays the dead-lettered event
    Then Meridian the partner sees the order as "Price ready"
    And all systems agree on the order
    When Olga the engineer reconciles the systems
    Then Olga the engineer sees no discrepancies
