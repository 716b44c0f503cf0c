// The names of fields as a reader sees them. The explainers give the RFC's words, by which programs find a field; the table has what they
// are called in a language.

namespace RawWs.Server.Console.Explain;

internal static class FieldNames
{
    private const string ValueOf = "value of ";

    private static readonly Dictionary<string, string> Ids = new(StringComparer.Ordinal)
    {
        ["FIN"] = "ui.field.fin",
        ["RSV1"] = "ui.field.rsv1",
        ["RSV2"] = "ui.field.rsv2",
        ["RSV3"] = "ui.field.rsv3",
        ["opcode"] = "ui.field.opcode",
        ["MASK"] = "ui.field.mask",
        ["payload length"] = "ui.field.length",
        ["extended payload length"] = "ui.field.extendedlength",
        ["masking key"] = "ui.field.key",
        ["payload"] = "ui.field.payload",
        ["close code"] = "ui.field.closecode",
        ["close reason"] = "ui.field.closereason",
        ["not read"] = "ui.field.notread",
        ["empty line"] = "ui.field.emptyline",
        ["end of the head"] = "ui.field.headend",
        ["unfinished line"] = "ui.field.unfinished",
        ["line"] = "ui.field.line",
        ["method"] = "ui.field.method",
        ["space"] = "ui.field.space",
        ["target"] = "ui.field.target",
        ["query"] = "ui.field.query",
        ["version"] = "ui.field.version",
        ["status"] = "ui.field.status",
        ["reason"] = "ui.field.reason",
        ["line end"] = "ui.field.lineend",
        ["name"] = "ui.field.name",
        ["colon"] = "ui.field.colon",
        ["white space"] = "ui.field.white",
    };

    /// <summary>The name of an annotation's field.</summary>
    public static string Of(string field, Language language) => field.StartsWith(ValueOf, StringComparison.Ordinal)
        ? TextTable.All.Format("ui.field.value", language, field[ValueOf.Length..])
        : Ids.TryGetValue(field, out string? id) ? TextTable.All.Get(id, language) : field;

    /// <summary>How many columns of a terminal a name has; a longer one takes more.</summary>
    public static int ColumnsOf(Language language) => language == Language.English ? 14 : 25;
}
