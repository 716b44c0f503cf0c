// Sixty-four clients that write to each other while they come and go, and every message is accounted for. Half are pairs: both leave and
// return all the time, and what one wrote has either reached the other or was answered as offline. Half are groups of the same uid, in
// which one stays to the end and misses nothing, two leave and return, and one only listens and is reset again and again.
// All leave by the closing handshake (but those resets), so what was accepted for them before has come before their Close.

using System.Text;
using RawWs.Frame;
using RawWs.Server;
using RawWs.Server.Applications;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

[TestFixtureSource(typeof(Setup), nameof(Setup.All))]
public sealed class ComingAndGoingTests(Setup setup)
{
    private const int Pairs = 16;
    private const int Groups = 8;
    private const int Lives = 6;
    private const int MessagesOfALife = 40;
    private const int Messages = Lives * MessagesOfALife;

    [Test]
    public async Task SixtyFourClients_EveryMessageIsCounted_InOrder_NoneTwice()
    {
        RouterApplication router = new(Introduce.Query, DuplicateUid.Share);
        await using TestServer server = await TestServer.Start(setup, router);
        List<Client> pairs = [], stayers = [], comers = [], passers = [];
        for (int i = 0; i < Pairs * 2; i++) pairs.Add(new Client(server.Port, $"p{i}", $"p{i}", $"p{i ^ 1}"));
        for (int i = 0; i < Groups; i++)
        {
            string uid = $"g{i}", target = $"g{(i + 1) % Groups}";
            stayers.Add(new Client(server.Port, $"stayer{i}", uid, target));
            passers.Add(new Client(server.Port, $"passer{i}", uid, target));
            for (int n = 0; n < 2; n++) comers.Add(new Client(server.Port, $"comer{i}.{n}", uid, target));
        }

        // The stayers are there before anybody writes, and after everybody has.
        using Barrier beginning = new((Pairs * 2) + (Groups * 4));
        using CountdownEvent written = new((Pairs * 2) + (Groups * 3));
        using CancellationTokenSource patience = new(TestServer.Patience);
        await Task.WhenAll(
            [.. pairs.Concat(comers).Select(client => Run(() => client.ComeAndGo(beginning, written))),
            .. stayers.Select(client => Run(() => client.Stay(beginning, written))),
            .. passers.Select(client => Run(() => client.Pass(beginning, written, patience.Token)))]);
        server.HoldsNothing();
        Assert.That(router.UidCount, Is.Zero);

        for (int i = 0; i < pairs.Count; i++)
        {
            pairs[i].CheckOrder();
            Assert.That(pairs[i].NumbersFrom(pairs[i ^ 1]).Count()
                + pairs[i ^ 1].Offline, Is.EqualTo(Messages), $"received by {pairs[i].Name} or answered as offline");
        }

        Assert.That(pairs.Sum(static client => client.Received.Count), Is.Positive);
        foreach (Client client in stayers.Concat(comers).Concat(passers))
        {
            client.CheckOrder();
            Assert.That(client.Offline, Is.Zero, "somebody stays in every group");
        }

        foreach (Client stayer in stayers)
        {
            List<Client> writers = [.. stayers.Concat(comers).Where(writer => writer.Target == stayer.Uid)];
            foreach (Client writer in writers)
                Assert.That(stayer.NumbersFrom(writer), Is.EqualTo(Enumerable.Range(0, Messages)), $"{writer.Name} to {stayer.Name}");
            Assert.That(stayer.Received, Has.Count.EqualTo(writers.Count * Messages));
        }

        foreach (Client client in pairs.Concat(stayers).Concat(comers).Concat(passers)) client.Dispose();
    }

    private static Task Run(Action act) => Task.Factory.StartNew(act, TaskCreationOptions.LongRunning);

    /// <summary>One of the sixty-four, over all of its connections.</summary>
    private sealed class Client(int port, string name, string uid, string target) : IDisposable
    {
        private readonly SemaphoreSlim _pongs = new(0);
        private int _nextNumber;
        private int _life;

        public string Name { get; } = name;

        public string Uid { get; } = uid;

        public string Target { get; } = target;

        /// <summary>Every message, in the order in which they came, and in which of the lives.</summary>
        public List<(int Life, string Writer, int Number)> Received { get; } = [];

        /// <summary>How many messages were answered as offline.</summary>
        public int Offline { get; private set; }

        public IEnumerable<int> NumbersFrom(Client writer) =>
            Received.Where(received => received.Writer == writer.Name).Select(static received => received.Number);

        public void ComeAndGo(Barrier beginning, CountdownEvent written)
        {
            for (_life = 0; _life < Lives; _life++)
            {
                using RawClient connection = Enter();
                if (_life == 0) Meet(beginning);
                Task writing = Run(() =>
                {
                    Write(connection, MessagesOfALife);
                    connection.Send(Opcode.Close, []);
                });
                ReadToClose(connection);
                writing.Wait();
            }

            written.Signal();
        }

        public void Stay(Barrier beginning, CountdownEvent written)
        {
            using RawClient connection = Enter();
            Meet(beginning);
            Task writing = Run(() =>
            {
                Write(connection, Messages);
                written.Signal(); // the server has read them all: it has answered the last Ping
                Assert.That(written.Wait(TestServer.Patience), "everybody has written");
                connection.Send(Opcode.Close, []);
            });
            ReadToClose(connection);
            writing.Wait();
        }

        public void Pass(Barrier beginning, CountdownEvent written, CancellationToken patience)
        {
            for (_life = 0; _life == 0 || !(written.IsSet || patience.IsCancellationRequested); _life++)
            {
                RawClient connection = Enter();
                if (_life == 0) Meet(beginning);
                for (int i = 0; i < 5; i++)
                {
                    connection.Send(Opcode.Ping, []);
                    while (connection.ReadFrame() is { } frame && frame.Opcode != Opcode.Pong) Take(frame.Payload);
                }

                connection.Reset();
            }
        }

        /// <summary>
        /// What one connection receives from one writer has no gap; what all of them do never goes back, and so nothing came twice.
        /// </summary>
        public void CheckOrder()
        {
            foreach (var fromOne in Received.GroupBy(static received => received.Writer))
            {
                (int life, int last) = (-1, -1);
                foreach ((int inLife, _, int number) in fromOne)
                {
                    if (inLife == life) Assert.That(number, Is.EqualTo(last + 1), $"{fromOne.Key} to {Name}, life {life}");
                    else Assert.That(number, Is.GreaterThan(last), $"{fromOne.Key} to {Name}, life {inLife}");
                    (life, last) = (inLife, number);
                }
            }
        }

        public void Dispose() => _pongs.Dispose();

        // The 101 comes a moment before the connection has its name; an answered Ping shows that it has.
        private RawClient Enter()
        {
            RawClient connection = RawClient.Open(port, $"/?uid={Uid}");
            connection.Send(Opcode.Ping, []);
            while (connection.ReadFrame() is { } frame && frame.Opcode != Opcode.Pong) Take(frame.Payload);
            return connection;
        }

        private static void Meet(Barrier barrier) => Assert.That(barrier.SignalAndWait(TestServer.Patience), "all have come");

        private void Write(RawClient connection, int count)
        {
            for (int i = 0; i < count; i++)
            {
                connection.SendText($"{Target}:{Name} {_nextNumber++}");
                if (i % 10 != 9) continue;
                connection.Send(Opcode.Ping, []);
                Assert.That(_pongs.Wait(TestServer.Patience), "the Ping is answered");
            }
        }

        private void ReadToClose(RawClient connection)
        {
            while (connection.ReadFrame() is { } frame && frame.Opcode != Opcode.Close)
            {
                if (frame.Opcode == Opcode.Pong) _pongs.Release();
                else Take(frame.Payload);
            }

            Assert.That(connection.ReadFrame(), Is.Null, "Nothing follows a Close.");
        }

        private void Take(byte[] payload)
        {
            string text = Encoding.ASCII.GetString(payload);
            if (text == $"error:offline:{Target}")
            {
                Offline++;
                return;
            }

            string[] words = text.Split(' ');
            Received.Add((_life, words[0], int.Parse(words[1], System.Globalization.CultureInfo.InvariantCulture)));
        }
    }
}
