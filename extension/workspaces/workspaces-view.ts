// The sidebar's tree of gateways and workspaces: keeps VS Code's view in step with the live lists.

import {
  commands,
  type Disposable,
  type Event,
  EventEmitter,
  l10n,
  type TreeDataProvider,
  type TreeItem,
  type TreeView,
  window,
} from "vscode";
import {
  childNodes,
  onlineCount,
  parentNode,
  rootNodes,
  type TreeNode,
  welcome,
} from "../../agent/client/workspaces/workspace-tree.ts";
import type { Gateway } from "../accounts/gateways.ts";
import type { Services } from "../services.ts";
import { TransportsInUse } from "./transports-in-use.ts";
import { tooltip, treeItem } from "./tree-item.ts";

/** The shortest time between two redraws: a gateway that starts reports hundreds of workspaces one after the other. */
const REDRAW_MS = 100;
const WELCOME = "sallyport.welcome";

export class WorkspacesView implements TreeDataProvider<TreeNode>, Disposable {
  readonly #services: Services;
  readonly #changed = new EventEmitter<TreeNode | undefined>();
  readonly #view: TreeView<TreeNode>;
  readonly #listening: Disposable[];
  readonly #transports: TransportsInUse;
  /** The gateways that changed since the tree was drawn; `all` when gateways were added or removed. */
  #dirty: Set<Gateway> | "all" = new Set();
  /** The nodes that VS Code was given: it recognises a node by object identity. */
  #roots: readonly TreeNode[] = [];
  #timer: NodeJS.Timeout | undefined;
  #drawnAt = 0;
  /** The context values that were set last, for `when` clauses. */
  readonly #told = new Map<string, unknown>();
  #shown = false;

  constructor(services: Services) {
    this.#services = services;
    this.#transports = new TransportsInUse(() => this.#redraw("all"));
    // The id is from when a workspace was called a session: people's layouts of the sidebar hold it.
    this.#view = window.createTreeView("sallyport.sessions", {
      treeDataProvider: this,
      showCollapseAll: true,
    });
    this.#listening = [
      this.#view,
      this.#transports,
      services.gateways.onDidChange((gateway) => this.#redraw(gateway ?? "all")),
    ];
  }

  get onDidChangeTreeData(): Event<TreeNode | undefined> {
    return this.#changed.event;
  }

  async getChildren(node?: TreeNode): Promise<TreeNode[]> {
    const { gateways, history } = this.#services;
    if (node === undefined) {
      if (!this.#shown) {
        this.#shown = true;
        this.#transports.follow();
        await gateways.followAll();
        await this.#tellContext();
      }
      this.#roots = rootNodes(gateways.known);
      return [...this.#roots];
    }
    const gateway = gateways.get(node.gateway);
    return gateway === undefined ? [] : childNodes(node, gateway, history.lastUse);
  }

  getTreeItem(node: TreeNode): TreeItem {
    const gateway = this.#services.gateways.get(node.gateway);
    return treeItem(node, gateway, gateway?.account.account, this.#transports.of(node));
  }

  /** Called on hover, so that the tooltips of a thousand workspaces are not made in advance. */
  resolveTreeItem(item: TreeItem, node: TreeNode): TreeItem {
    const gateway = this.#services.gateways.get(node.gateway);
    const text = tooltip(node, gateway, this.#transports.of(node));
    if (text !== undefined) item.tooltip = text;
    return item;
  }

  getParent(node: TreeNode): TreeNode | undefined {
    return parentNode(node, this.#services.gateways.get(node.gateway));
  }

  /** The node that a command was called with; undefined when it was not called from the tree. */
  nodeOf(argument: unknown): TreeNode | undefined {
    if (typeof argument !== "object" || argument === null) return undefined;
    if (!("kind" in argument && "gateway" in argument)) return undefined;
    const { kind, gateway } = argument;
    const known = this.#services.gateways.known.find((one) => one.gateway === gateway);
    if (known === undefined) return undefined;
    const node = { kind: "gateway", gateway: known.gateway } as const;
    if (!("id" in argument) || typeof argument.id !== "string") return node;
    if (kind !== "workspace" && kind !== "offer") return node;
    return { kind, gateway: known.gateway, id: argument.id };
  }

  dispose(): void {
    clearTimeout(this.#timer);
    for (const one of this.#listening) one.dispose();
    this.#changed.dispose();
  }

  #redraw(what: Gateway | "all"): void {
    if (what === "all") this.#dirty = "all";
    else if (this.#dirty !== "all") this.#dirty.add(what);
    if (!this.#shown) return;
    const waitMs = Math.max(0, this.#drawnAt + REDRAW_MS - performance.now());
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#drawnAt = performance.now();
      void this.#draw();
    }, waitMs);
  }

  async #draw(): Promise<void> {
    const dirty = this.#dirty;
    this.#dirty = new Set();
    const before = this.#told.get(WELCOME);
    await this.#tellContext();
    const shown =
      dirty === "all"
        ? []
        : this.#roots.filter((root) => [...dirty].some(({ gateway }) => gateway === root.gateway));
    if (dirty === "all" || before !== this.#told.get(WELCOME) || shown.length < dirty.size)
      this.#changed.fire(undefined);
    else for (const root of shown) this.#changed.fire(root);
    const online = onlineCount(this.#services.gateways.known);
    this.#view.badge =
      online === 0
        ? undefined
        : {
            value: online,
            tooltip: online === 1 ? l10n.t("1 workspace online") : l10n.t("{0} workspaces online", online),
          };
  }

  async #tellContext(): Promise<void> {
    const { known } = this.#services.gateways;
    await Promise.all([
      this.#tell(WELCOME, welcome(known)),
      this.#tell("sallyport.signedIn", known.length > 0),
    ]);
  }

  async #tell(key: string, value: unknown): Promise<void> {
    if (this.#told.get(key) === value) return;
    this.#told.set(key, value);
    await commands.executeCommand("setContext", key, value);
  }
}
