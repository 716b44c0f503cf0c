using System.Text;
using RawWs.Server;
using RawWs.Server.Nats;

namespace RawWs.Tests.Nats;

public sealed partial class UidClaimsTests
{
    /// <summary>A node with its claims, and connections that are only names.</summary>
    private sealed class Holder
    {
        private readonly Lock _lock = new();
        private readonly Dictionary<string, List<int>> _connections = []; // numbers of those that each uid has
        private readonly List<string> _lost = [];
        private int _lastNumber;

        public Holder(SharedClaims shared, string nodeId, TimeProvider time, TimeSpan? within = null)
        {
            Store = shared.Add(nodeId);
            Claims = new UidClaims(Store, uid => Has(Encoding.UTF8.GetString(uid)), time, within ?? TimeSpan.FromSeconds(2))
            {
                Lost = uid => ToLose(Encoding.UTF8.GetString(uid.Span), _lost),
                Unclaimed = uid => ToLose(Encoding.UTF8.GetString(uid.Span), Unclaimed),
                Refused = (node, uid) => Asked.Add($"{node}:{Encoding.UTF8.GetString(uid.Span)}"),
            };
            Store.Changed = Claims.OnChanged;
        }

        public FakeClaimStore Store { get; }

        public UidClaims Claims { get; }

        public IEnumerable<string> Lost => _lost;

        public List<string> Asked { get; } = [];

        public List<string> Unclaimed { get; } = [];

        /// <summary>What happens before connections that are lost are closed.</summary>
        public Action BeforeClosing { get; set; } = static () => { };

        public bool Has(string uid)
        {
            lock (_lock) return _connections.ContainsKey(uid);
        }

        public async Task<UidClaim> ConnectAsync(string uid, DuplicateUid duplicates)
        {
            UidClaim claim = await Claims.ClaimAsync(Encoding.UTF8.GetBytes(uid), duplicates);
            if (claim == UidClaim.Granted) Join(uid);
            return claim;
        }

        /// <returns>Whether it may stay.</returns>
        public bool Join(string uid)
        {
            int number;
            lock (_lock)
            {
                number = ++_lastNumber;
                if (!_connections.TryAdd(uid, [number])) _connections[uid].Add(number);
            }

            bool stays = Claims.OnJoined(Encoding.UTF8.GetBytes(uid));
            if (!stays) Leave(uid, number);
            return stays;
        }

        public void Leave(string uid)
        {
            int number;
            lock (_lock)
            {
                if (!_connections.TryGetValue(uid, out List<int>? numbers)) return;
                number = numbers[^1];
            }

            Leave(uid, number);
        }

        private void Leave(string uid, int number)
        {
            lock (_lock)
            {
                if (!_connections.TryGetValue(uid, out List<int>? numbers) || !numbers.Remove(number)) return;
                if (numbers.Count == 0) _connections.Remove(uid);
            }

            Claims.OnLeft(Encoding.UTF8.GetBytes(uid));
        }

        private Action ToLose(string uid, List<string> why)
        {
            int[] numbers;
            lock (_lock) numbers = [.. _connections.GetValueOrDefault(uid, [])];
            return () =>
            {
                BeforeClosing();
                lock (_lock) why.Add(uid);
                foreach (int number in numbers) Leave(uid, number);
            };
        }
    }
}
