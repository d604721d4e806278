"""The layers of tools/campaign: what each does to the engine, and the test programs that do it."""

import os
import shutil
from dataclasses import dataclass, field


@dataclass
class Run:
    """One process of a test program. `repeats`: its tests are run so often."""

    name: str
    program: str
    environment: dict = field(default_factory=dict)
    tests: str = ""  # as --gtest_filter has it; empty: all
    repeats: int = 1
    counts_tests: bool = False  # its progress is in tests, not in steps that it reports
    arguments: list = field(default_factory=list)


@dataclass
class Layer:
    """One way to be rough with the engine. `plan(count, seed)` gives its runs."""

    name: str
    does: str  # to the engine
    compares: str
    unit: str  # of --count
    count: int
    smoke: int
    targets: list
    plan: object
    side_by_side: int = 1  # so many runs at a time
    prepare: list = field(default_factory=list)  # a command before the first run


PROCESSORS = os.cpu_count() or 1
SIMULATED = "simulation_test"
CORPUS = os.path.join("tests", "fuzz", "corpus")  # a directory for each parser
STRIDE = {"TIDEMILL_SIMULATION_STRIDE": "7"}


def one(program, variable, tests=""):
    """A program that takes the count and the seed from its environment."""

    def plan(count, seed):
        environment = {variable: count, "TIDEMILL_SEED": seed}
        return [Run(program, program, environment, tests)]

    return plan


def shared_out(program, variable, tests=""):
    """The same, the seeds shared out to a process for each processor."""

    def plan(count, seed):
        runs = []
        for i in range(min(PROCESSORS, count)):
            part = count // PROCESSORS + (1 if i < count % PROCESSORS else 0)
            environment = {variable: part, "TIDEMILL_SEED": seed + 1_000_000 * i}
            runs.append(Run(f"{program} {i + 1}", program, environment, tests))
        return runs

    return plan


def simulated(tests):
    def plan(count, seed):
        environment = {"TIDEMILL_SIMULATION_SEEDS": count, "TIDEMILL_SEED": seed}
        return [Run(test, SIMULATED, environment | STRIDE, f"Simulation.{test}") for test in tests]

    return plan


def failpoints(count, seed):
    runs = []
    for shard in range(PROCESSORS):
        shards = {"GTEST_TOTAL_SHARDS": PROCESSORS, "GTEST_SHARD_INDEX": shard}
        runs.append(
            Run(f"points {shard + 1}", "failpoint_test", shards | {"TIDEMILL_SEED": seed},
                repeats=count, counts_tests=True))
    return runs


def kafka(count, seed):
    environment = {
        "TIDEMILL_KILLS": count, "TIDEMILL_KAFKA_ROUNDS": count,
        "TIDEMILL_SEED": seed, "TIDEMILL_KAFKA_SEED": seed,
    }
    return [
        Run("source", "kafka_kill_test", environment, "KafkaKills.EveryRecordIsCountedOnce"),
        Run("source through a proxy", "kafka_kill_test", environment,
            "KafkaKills.EveryRecordIsCountedOnceThoughFetchesFail"),
        Run("output", "kafka_kills_test", environment,
            "KafkaKills.OfJobAndBrokerLoseAndDoubleNothing"),
    ]


def power_cuts(count, seed):
    environment = {"TIDEMILL_CUTS": count, "TIDEMILL_SEED": seed}
    return [Run(f"{disk} with {delta}", "power_cut_test", environment,
                f"On/PowerCutOfARun.*/{disk}_{delta}")
            for disk, delta in (("ext4", "512KiB"), ("ext4", "24KiB"), ("xfs", "24KiB"))]


def disk_errors(count, seed):
    environment = {"TIDEMILL_DISK_ERRORS": count, "TIDEMILL_SEED": seed}
    return [Run("kernel's disk", "disk_error_test", environment),
            *simulated(["AnErrorOfTheDiskLosesAndDoublesNothing"])(max(1, count // 50), seed)]


def full_disk(count, seed):
    return [Run("full disk", "full_disk_test", repeats=count, counts_tests=True),
            Run("full inode table", "file_systems_test", repeats=count, counts_tests=True,
                tests="SmallFileSystem.AFullInodeTableIsAReasonToPause"),
            *simulated(["ADiskThatIsFullForAMomentLosesAndDoublesNothing"])(count, seed)]


def fuzz_preset():
    return "fuzz" if shutil.which("clang++-14") else "release"


def fuzz(count, seed):
    """libFuzzer where its compiler is, else the same parsers on mutations without coverage."""
    parsers = sorted(os.listdir(CORPUS))
    if fuzz_preset() == "release":
        environment = {"TIDEMILL_FUZZ_MILLIS": 1000 * count, "TIDEMILL_SEED": seed}
        return [Run(parser, "parsers_fuzz_test", environment, f"*/{parser}") for parser in parsers]
    runs = []
    for parser in parsers:
        found = os.path.join("build", "campaign", "corpus", parser)  # grows from run to run
        os.makedirs(found, exist_ok=True)
        runs.append(
            Run(parser, "parsers_fuzz", {"TIDEMILL_PARSER": parser},
                arguments=[f"-max_total_time={count}", f"-seed={seed}", "-print_final_stats=1",
                           f"-artifact_prefix=build/campaign/fuzz-{parser}-", found,
                           os.path.join(CORPUS, parser)]))
    return runs


LAYERS = [
    Layer("kills",
          "SIGKILL at random moments, a third of them in a start, under live traffic; senders too",
          "every line of a session counts once, of a plain connection a prefix; files are dense",
          "kills", 5000, 50, ["kill_test"], one("kill_test", "TIDEMILL_KILLS")),
    Layer("graphs",
          "random operator graphs on random batches, killed and restarted",
          "every batch of every stream with a naive engine",
          "graphs", 10_000, 50, ["differential_test"],
          shared_out("differential_test", "TIDEMILL_GRAPHS"), side_by_side=PROCESSORS),
    Layer("simulation",
          "every 7th operation of a disk in memory is the last one, fails, or loses the power, "
          "and again one of the recovery",
          "all that is shown and saved with a naive engine",
          "jobs", 10, 1, [SIMULATED],
          simulated(["DyingAtAnyOperationLosesAndDoublesNothing",
                     "DyingAgainInTheRecoveryLosesAndDoublesNothing",
                     "AnErrorOfTheDiskLosesAndDoublesNothing",
                     "ADiskThatIsFullForAMomentLosesAndDoublesNothing",
                     "DyingWithTwoWorkersLosesAndDoublesNothing",
                     "ManyLivesThatAllDieAddUp"]),
          side_by_side=3 * PROCESSORS),  # a point waits more than it computes
    Layer("kafka",
          "job and broker are killed at random, with and without a proxy that drops and cuts",
          "each record counts once, and is in the topics once",
          "rounds", 2000, 12, ["kafka_kill_test", "kafka_kills_test"], kafka,
          prepare=["tests/kafka/broker", "prepare"]),
    Layer("failpoints",
          "each named point of the protocol: a kill there and in the recovery; errors instead",
          "the same as kills",
          "rounds", 1, 1, ["failpoint_test"], failpoints, side_by_side=PROCESSORS),
    Layer("power-cuts",
          "the power of a loop-mounted ext4 and XFS is cut: what was not synced is gone",
          "what was acknowledged is there; the same as kills",
          "cuts", 500, 4, ["power_cut_test"], power_cuts),
    Layer("disk-errors",
          "writes and syncs of a loop-mounted ext4, and of a disk in memory, give errors",
          "what was acknowledged is there; the same as kills",
          "disks", 200, 3, ["disk_error_test", SIMULATED], disk_errors),
    Layer("full-disk",
          "a disk and an inode table fill up under the program; a disk in memory at every 7th "
          "operation",
          "reading stops and goes on; nothing is lost",
          "rounds", 10, 1, ["full_disk_test", "file_systems_test", SIMULATED], full_disk),
    Layer("bit-flips",
          "one bit of a finished data directory flips before the next start",
          "a named error, or exactly the results of a naive engine",
          "flips", 100_000, 80, ["bit_flip_test"],
          shared_out("bit_flip_test", "TIDEMILL_FLIPS", "BitFlip.IsNamedOrChangesNothing"),
          side_by_side=PROCESSORS),
    Layer("fuzz",
          "mutated and random bytes go into each parser",
          "they are parsed or refused: no crash, no read outside, no endless memory",
          "seconds a parser", 60, 1, ["parsers_fuzz_test"], fuzz,
          side_by_side=PROCESSORS),
    Layer("soak",
          "a job with a slow sink, sent half as much again as it takes, is killed each minute",
          "memory and descriptors stay flat; the same as kills",
          "minutes", 10, 1, ["soak_test"], one("soak_test", "TIDEMILL_SOAK_MINUTES")),
]
