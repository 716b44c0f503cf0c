// Tests run one after the other, but for the fixtures that say Parallelizable. Most of those watch processes that wait most of their time
// (for a lease to end, for an election, for what must not come), and some compute meanwhile and watch no clock. So many of them run at
// once, and none beside any other test.

[assembly: LevelOfParallelism(3)]
