@ui
Feature: A customer's own account
  The shop speaks to her as she likes, and calls her what she calls herself, however long that is.

  Scenario: A long name breaks no header
    Given Anna the customer has an account in the shop
    When Anna the customer calls herself "Anna Maria Konstantinovna Wolfeschlegelsteinhausenbergerdorff"
    Then Anna the customer reads "Anna Maria Konstantinovna Wolfeschlegelsteinhausenbergerdorff" in one line at the top of every page, on a telephone, too

  Scenario: A customer would rather read Russian
    Given Anna the customer has an account in the shop
    When Anna the customer switches the shop to Russian
    Then Anna the customer reads every page in Russian
