import { Project, type ProjectDeps } from "./project.ts";

/** The projects that are in use, each loaded when somebody first asks for it. */
export class ProjectRegistry {
  readonly #deps: ProjectDeps;
  readonly #projects = new Map<string, Project>();

  constructor(deps: ProjectDeps) {
    this.#deps = deps;
  }

  /** The project, if it can be used without waiting. */
  find(name: string, bearer: string | undefined): Project | undefined {
    const project = this.#projects.get(name);
    return project?.isUsable(bearer) ? project : undefined;
  }

  /** @throws {McpctlError} `not-found`; `unavailable` when mcpd cannot be asked. */
  async load(name: string, bearer: string | undefined): Promise<Project> {
    const project = this.#projects.get(name) ?? this.#add(name);
    await project.load(bearer);
    return project;
  }

  /** Servers by what is known of them, over all projects. */
  countServers(): { ready: number; faulty: number } {
    const conditions = [...this.#projects.values()].map((project) => project.countServers());
    return {
      ready: conditions.reduce((sum, { ready }) => sum + ready, 0),
      faulty: conditions.reduce((sum, { faulty }) => sum + faulty, 0),
    };
  }

  /** Calls that are not answered yet, by server, over all projects. */
  countCallsInFlight(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const project of this.#projects.values()) project.addCallsInFlight(counts);
    return counts;
  }

  tick(): void {
    for (const project of this.#projects.values()) if (!project.tick()) this.#remove(project);
  }

  forget(bearer: string): void {
    for (const project of this.#projects.values()) project.forget(bearer);
  }

  async close(): Promise<void> {
    const projects = [...this.#projects.values()];
    this.#projects.clear();
    await Promise.all(projects.map((project) => project.close()));
  }

  #add(name: string): Project {
    const project: Project = new Project(name, this.#deps, () => this.#remove(project));
    this.#projects.set(name, project);
    return project;
  }

  #remove(project: Project): void {
    if (this.#projects.get(project.name) === project) this.#projects.delete(project.name);
    project.close().catch(() => {});
  }
}
