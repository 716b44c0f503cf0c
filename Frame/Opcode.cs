namespace RawWs.Frame;
