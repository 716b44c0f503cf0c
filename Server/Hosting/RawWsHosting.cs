// Adds a server to a host: its application, its options, the service that starts and stops it, and its health check. In: a host's builder.
// Afterwards the container has the server and the application, each once.

using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace RawWs.Server.Hosting;

/// <summary>Adds a <see cref="WebSocketServer"/> to a host.</summary>
public static class RawWsHosting
{
    /// <summary>The section of the configuration with the server's options.</summary>
    public const string Section = "RawWs";

    /// <summary>
    /// Adds a server that runs as long as the host does, and a health check named "rawws". Its options are those of the configuration's
    /// section <see cref="Section"/>, by the names of <see cref="ServerOptions"/> and <see cref="RawWsHostingOptions"/>;
    /// <paramref name="configure"/>, and further <c>services.Configure&lt;ServerOptions&gt;</c>, change them. Its log and its clock are the
    /// host's. A wrong option ends the start of the host with an <see cref="OptionsValidationException"/>.
    /// </summary>
    /// <param name="builder">The host's builder; only one server can be added to it.</param>
    /// <param name="configure">Changes the options; null for none.</param>
    /// <typeparam name="TApplication">
    /// The application. The container makes it, once; if it has been added before, that one is used.
    /// </typeparam>
    /// <returns>The same builder.</returns>
    /// <exception cref="InvalidOperationException">The builder has a server already.</exception>
    public static IHostApplicationBuilder AddRawWs<
        [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TApplication>(
        this IHostApplicationBuilder builder, Action<ServerOptions>? configure = null)
        where TApplication : class, IWebSocketApplication
    {
        ArgumentNullException.ThrowIfNull(builder);
        IServiceCollection services = builder.Services;
        if (services.Any(static service => service.ServiceType == typeof(WebSocketServer)))
            throw new InvalidOperationException("The host has a server already.");

        IConfigurationSection section = builder.Configuration.GetSection(Section);
        services.AddOptions<ServerOptions>().Configure(options => SectionReader.Read(section, options));
        services.AddOptions<RawWsHostingOptions>().Configure(options => SectionReader.Read(section, options));
        // What the container has is the default, and whoever configures something else has it.
        services.AddOptions<ServerOptions>().Configure<IServiceProvider>(static (options, provider) =>
        {
            options.LoggerFactory = provider.GetService<ILoggerFactory>() ?? options.LoggerFactory;
            options.TimeProvider = provider.GetService<TimeProvider>() ?? options.TimeProvider;
        });
        if (configure is not null) services.Configure(configure);
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<ServerOptions>, OptionsCheck>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<RawWsHostingOptions>, OptionsCheck>());

        services.TryAddSingleton<TApplication>();
        services.AddSingleton(static provider =>
            new WebSocketServer(provider.GetRequiredService<IOptions<ServerOptions>>().Value, provider.GetRequiredService<TApplication>()));
        services.AddSingleton<IHostedService, RawWsService>();
        services.AddHealthChecks().AddCheck<RawWsHealthCheck>("rawws");
        return builder;
    }
}
