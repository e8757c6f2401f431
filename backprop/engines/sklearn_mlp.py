"""sklearn_mlp: scikit-learn's MLPClassifier, which most Python users would pick, one partial_fit a mini-batch."""

import warnings

import numpy as np
import numpy.typing as npt
from sklearn.neural_network import MLPClassifier

from ..engine import Engine
from ..errors import InputError
from ..network import Array, Network, aligned, quiet

ACTIVATIONS = {"sigmoid": "logistic", "tanh": "tanh", "relu": "relu", "identity": "identity"}
FEWEST_OUTPUTS = {"sigmoid-cross-entropy": 1, "softmax-cross-entropy": 3}  # two classes are one output to it


class SklearnMlp(Engine):
    """A peer: plain SGD by scikit-learn, without momentum, penalty or shuffling.

    It takes classes, not probabilities. To make them of y is in the time, as is the test that y is of classes, and all
    that scikit-learn looks at in each call; the first call, which makes its parameters, is not.
    """

    labels_only = True

    @classmethod
    def handles(cls, network: Network) -> str | None:
        """Networks that MLPClassifier can be: with one activation in all hidden layers, and a head for classes."""
        head, hidden = network.head.name, sorted(set(network.activations[:-1]))
        if head not in FEWEST_OUTPUTS:
            return f"scikit-learn's MLPClassifier has {' and '.join(FEWEST_OUTPUTS)}, not {head}"
        if network.sizes[-1] < FEWEST_OUTPUTS[head]:
            return f"scikit-learn's MLPClassifier has {head} for {FEWEST_OUTPUTS[head]} outputs or more"
        if len(hidden) > 1:
            return f"scikit-learn's MLPClassifier has one activation in all hidden layers, not {' and '.join(hidden)}"
        return None

    def __init__(self, network: Network) -> None:
        if reason := self.handles(network):
            raise InputError(reason)  # or it would train something else without a word
        self.like, self.dtype, self.shares = network.like, network.dtype, network.head.shares
        n_in, *hidden, n_out = network.sizes
        self.model = MLPClassifier(
            hidden,
            ACTIVATIONS[network.activations[0] if hidden else "identity"],
            solver="sgd",
            alpha=0,
            momentum=0,
            nesterovs_momentum=False,
            shuffle=False,
            random_state=np.random.RandomState(0),  # or it would draw from NumPy's global generator
        )
        first = np.zeros((1, n_in), self.dtype), self.labels(np.eye(1, n_out))
        self.model.partial_fit(*first, classes=range(max(2, n_out)))
        self.model.coefs_ = [aligned(w.T) for w in network.weights]
        self.model.intercepts_ = [aligned(b) for b in network.biases]

    @quiet
    def step(self, x: Array, y: Array, eta: float) -> None:
        inputs, labels = np.ascontiguousarray(x, self.dtype), self.labels(y)
        self.model.batch_size = len(x)
        self.model._optimizer.learning_rate = float(eta)  # private: what is public is read in the first call alone
        with warnings.catch_warnings():
            warnings.filterwarnings("error", "Training interrupted")  # what it makes of Ctrl-C, to go on then
            try:
                self.model.partial_fit(inputs, labels)
            except UserWarning as interrupt:
                raise KeyboardInterrupt from interrupt

    def labels(self, y: Array) -> npt.NDArray[np.int_]:
        """The targets y (batch, n_out) as scikit-learn has them: numbers of classes, or a 0 or 1 for each output."""
        if not ((y == 0) | (y == 1)).all() or (self.shares and not (y.sum(axis=1) == 1).all()):
            raise InputError("scikit-learn's MLPClassifier takes classes: targets of 0 and 1, not other probabilities")
        labels: npt.NDArray[np.int_] = y.argmax(axis=1) if self.shares else y.astype(int)
        return labels[:, 0] if labels.shape[1:] == (1,) else labels

    def network(self) -> Network:
        return self.like([w.T for w in self.model.coefs_], self.model.intercepts_).copy()
