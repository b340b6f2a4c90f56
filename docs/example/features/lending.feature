Feature: A book is lent to one reader at a time

  Background:
    Given the library owns "Dune"

  @ui @api
  Scenario: A borrowed book is lent for everybody
    When Anna the reader borrows "Dune"
    Then Boris the reader sees "Dune" as "lent"
    And the catalogue names Anna as the holder of "Dune"

  @api
  Scenario: A lent book stays with its reader
    Given Anna the reader has borrowed "Dune"
    When Boris the reader borrows "Dune"
    Then Boris the reader is told "Anna has Dune"
    And the catalogue names Anna as the holder of "Dune"
