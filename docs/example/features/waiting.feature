Feature: Who waits for a book is told when it comes back

  Background:
    Given the library owns "Dune"
    And Anna the reader has borrowed "Dune"
    And Boris the reader waits for "Dune"

  @ui
  Scenario: The reader finds a notice
    When Anna the reader returns "Dune"
    Then Boris the reader finds the notice "Dune is waiting for you"

  @api @processes
  Scenario: Nobody is forgotten while the notices are out of order
    Given the notices service is down
    When Anna the reader returns "Dune"
    And meanwhile the notices service comes back
    Then Boris the reader finds the notice "Dune is waiting for you"
