// Tests run one after the other, but for the fixtures that say Parallelizable: those watch processes that wait most of their time (for a
// lease to end, for an election, for what must not come). So many of them run at once, and none beside any other test.

[assembly: LevelOfParallelism(3)]
