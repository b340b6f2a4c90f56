@ui
Feature: A forgotten password is replaced by a letter
  Whoever reads the mail of an account owns the account. The letter works once; everybody who was
  signed in is signed out.

  Scenario: A customer chooses a new password
    Given Anna the customer has an account in the shop
    When Anna the customer asks for a letter to replace a forgotten password
    And Anna the customer chooses a new password with the code from the letter
    And Anna the customer signs in the next day
    Then Anna the customer sees the list of own orders

  Scenario: The letter works once
    Given Anna the customer has an account in the shop
    When Anna the customer asks for a letter to replace a forgotten password
    And Anna the customer chooses a new password with the code from the letter
    And Anna the customer tries to choose another password with the same code
    Then Anna the customer is told "This letter was used already"
