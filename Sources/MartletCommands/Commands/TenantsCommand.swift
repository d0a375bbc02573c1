import ArgumentParser
import MartletClient

/// `martlet tenants`.
struct TenantsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tenants", abstract: "Administers tenants. Needs the operator's token.",
        subcommands: [Create.self, List.self, Show.self, Delete.self])

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Makes a tenant.")
        @Option(help: "What it is called.") var name: String
        @Option(
            name: .customLong("limit"),
            help: ArgumentHelp("What all its channels together may send, such as 50/1s.", valueName: "limit"))
        var limits: [LimitArgument] = []
        @OptionGroup var server: ServerOptions

        func run() async throws {
            let limits = limits.isEmpty ? nil : limits.map(\.limit)
            server.show(try await server.client().createTenant(name: name, limits: limits)) { "\($0.id)\n" }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists all tenants.")
        @OptionGroup var server: ServerOptions

        func run() async throws {
            server.show(try await server.client().tenants()) { page in
                var table = TextTable("ID", "NAME", "LIMITS", "CREATED")
                for tenant in page.data {
                    table.add(tenant.id, tenant.name, Describe.limits(tenant.limits), tenant.createdAt)
                }
                return table.text
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Shows a tenant.")
        @Argument(help: "The tenant's id.") var id: String
        @OptionGroup var server: ServerOptions

        func run() async throws {
            server.show(try await server.client().tenant(id)) { tenant in
                Describe.fields([
                    ("id", tenant.id), ("name", tenant.name), ("limits", Describe.limits(tenant.limits)),
                    ("created", tenant.createdAt),
                ])
            }
        }
    }

    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Removes a tenant with its keys, channels and messages.")
        @Argument(help: "The tenant's id.") var id: String
        @OptionGroup var server: ServerOptions

        func run() async throws {
            try await server.client().deleteTenant(id)
            server.confirm("deleted \(id)")
        }
    }
}

/// `martlet keys`.
struct KeysCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys", abstract: "Administers a tenant's API keys. Needs the operator's token.",
        subcommands: [Create.self, List.self, Revoke.self])

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Makes a key and shows it this once.")
        @Option(help: "The tenant's id.") var tenant: String
        @Option(help: "What it is called.") var name: String?
        @OptionGroup var server: ServerOptions

        func run() async throws {
            server.show(try await server.client().createKey(tenant: tenant, name: name)) { "\($0.key ?? "-")\n" }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists a tenant's keys.")
        @Option(help: "The tenant's id.") var tenant: String
        @OptionGroup var server: ServerOptions

        func run() async throws {
            server.show(try await server.client().keys(tenant: tenant)) { page in
                var table = TextTable("ID", "NAME", "CREATED", "LAST USED", "REVOKED")
                for key in page.data { table.add(key.id, key.name, key.createdAt, key.lastUsedAt, key.revokedAt) }
                return table.text
            }
        }
    }

    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Makes a key worthless, at once.")
        @Option(help: "The tenant's id.") var tenant: String
        @Argument(help: "The key's id.") var id: String
        @OptionGroup var server: ServerOptions

        func run() async throws {
            try await server.client().revokeKey(id, tenant: tenant)
            server.confirm("revoked \(id)")
        }
    }
}
