@ui
Feature: An order begins with a model, and does not wait for ever
  Opening a page begins nothing. What nobody goes on with is kept for a month; then it goes, with its file.

  Background:
    Given Anna the customer has an account in the shop
    And Olga the engineer is on call

  Scenario: Looking at the page for a new piece begins nothing
    When Anna the customer opens the page for a new piece
    Then no order has been made

  Scenario: An order that nobody goes on with goes after a month
    When Anna the customer begins an order with the generated ring
    Then Anna the customer sees until when the order is kept
    When meanwhile the order makes no progress for 31 days
    And Olga the engineer clears away what is no longer needed
    Then the order is gone, and no file of it is left
