// The Lab's second view: what it says the protocol knows after the bytes that are given, and what it calls the fields.

using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

public sealed class LabKnownTests : LabBrowserTests
{
    [SetUp]
    public Task StartServer() => Start();

    [TestCase("0181000000004180;client;0", 0, "a text message is open; payload bytes of it so far: 1.")]
    [TestCase("0181000000004189;client;0", 1, "a Ping has begun. One byte of its header has arrived")]
    [TestCase("018100000000418982;client;0", 1, "a Ping has begun. Its header is not complete; bytes still missing: 4.")]
    [TestCase("018100000000418982;client;0", 2, "bytes of this frame still missing: 2.")]
    [TestCase("82fe00;client;0", 2, "its length is not known yet")]
    [TestCase("818537fa213d7f;client;0", 2, "bytes of this frame still missing: 4.")]
    [TestCase("818537fa213d7f9f4d5158;client;0", 1, "the next byte begins a header")]
    [TestCase("888200000000" + "03e8;client;0", 0, "A Close has arrived")]
    [TestCase("83;client;0", 0, "The connection has failed")]
    public async Task WhatTheProtocolKnows_IsSaidInSentences(string place, int line, string sentence)
    {
        await Open($"/lab#step;{place}");
        WaitFor("#step-known li");
        Assert.That(All("#step-known li")[line].Text, Does.Contain(sentence));
    }

    [Test]
    public async Task InChinese_FieldsHaveChineseNames_WithTheRfcsWordBeside()
    {
        await Open("/lab#step;818537fa213d7f;client;0");
        Chromium.Click("language");
        Chromium.WaitForText("step-known", "有一条未完成的文本消息");
        Assert.That(All(".step .note .name").Select(static name => name.Text),
            Is.SupersetOf(["FIN 位", "操作码 (opcode)", "掩码位 (mask bit)", "载荷长度 (payload length)", "掩码密钥 (masking key)"]));
        Assert.That(Chromium.Complaints(), Is.Empty);
        Chromium.Click("language");
    }
}
