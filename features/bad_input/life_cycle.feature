Feature: Nobody takes a step of an order's life that is not theirs to take

  @api
  Scenario: A seller cannot approve an order that nobody has confirmed
    Given Boris the seller works in the CRM
    And Meridian the partner has an order in the state "Price ready"
    When Boris the seller tries to approve the order for manufacturing
    Then Boris the seller is told "it is "Price ready""
    And all systems agree on the order

  @ui
  Scenario: An operator reaches for an order that a colleague has just taken
    Given Vera the operator works in the MES
    And Oleg the operator works in the MES
    And Meridian the partner has an order in the state "Approved for manufacturing"
    When Oleg the operator opens the list of work
    Then Oleg the operator sees the order as "Approved for manufacturing" in the open list
    When meanwhile the list of Oleg the operator stops updating
    And Vera the operator takes the order
    And Oleg the operator tries to take the order, too
    Then Oleg the operator is told "taken by Vera"
    And all systems agree on the order

  @api
  Scenario: Two operators take one order at the same moment
    Given Vera the operator works in the MES
    And Oleg the operator works in the MES
    And Meridian the partner has an order in the state "Approved for manufacturing"
    When Vera the operator and Oleg the operator try to take the order at the same moment
    Then one of Vera and Oleg has the order, and the other one is told who has it
    And all systems agree on the order
