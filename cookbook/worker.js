// Browsers run no workers in pages that were opened as files, and the search is one: here it runs
// in a hidden frame instead. Served pages use the browser's own workers. As with those, each side gets
// a copy of what the other sends: the search changes the queries that it is given.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(url) {
      super();
      this.onmessage = this.onerror = null;
      const frame = document.createElement("iframe");
      frame.hidden = true;
      document.documentElement.append(frame);
      this.inside = frame.contentWindow;
      this.inside.postMessage = (message) => {
        const event = new MessageEvent("message", { data: structuredClone(message) });
        this.onmessage?.(event);
        this.dispatchEvent(event);
      };
      const script = this.inside.document.createElement("script");
      script.src = url;
      this.loaded = new Promise((resolve) => (script.onload = resolve));
      this.inside.document.head.append(script);
    }

    postMessage(message) {
      const data = structuredClone(message);
      this.loaded.then(() => {
        this.inside.dispatchEvent(new this.inside.MessageEvent("message", { data }));
      });
    }

    terminate() {
      this.inside.frameElement.remove();
    }
  };
}
