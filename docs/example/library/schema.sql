CREATE TABLE book (
    title text PRIMARY KEY,
    reader text  -- who has it
);
CREATE TABLE wish (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    title text NOT NULL REFERENCES book,
    reader text NOT NULL,
    UNIQUE (title, reader)
);
CREATE TABLE notice (
    return_id uuid PRIMARY KEY,
    reader text NOT NULL,
    words text NOT NULL
);
